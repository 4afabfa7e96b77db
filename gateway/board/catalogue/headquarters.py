"""What is said of the headquarters of a major incident. Chinese, English."""

from typing import Final

TEXT: Final[dict[str, tuple[str, str]]] = {
    "commander": ("指挥长", "Commander"),
    "deputies": ("副指挥长", "Deputy commanders"),
    "temporary-commander": ("临时指挥", "Temporary commander"),
    "acting-contact": ("代为联络", "Acting contact"),
    "unnamed": ("未登记", "not named in the contacts"),
    "authority": ("由 {by} 授权", "authorised by {by}"),
    "authority-advance": ("由 {by} 事先授权", "authorised in advance by {by}"),
    "authority-given": ("{by} 授权 {person} 为临时指挥", "{by} authorises {person} as temporary commander"),
    "authority-given-advance": (
        "{by} 事先授权 {person} 为临时指挥",
        "{by} has authorised {person} in advance as temporary commander",
    ),
    "acting-only": ("仅代为联络，没有指挥权", "to be rung, without command"),
    "lowered-to": ("降为{level}", "lowered to {level}"),
    # marks at the beginning of a message, and its first sentence
    "mark.headquarters": ("【重大突发事件，请组成应急指挥部】", "Major, form the headquarters: "),
    "mark.temporary-commander": ("【授权您临时指挥】", "You are temporary commander: "),
    "mark.acting-contact": ("【请代为联络】", "Please be the contact: "),
    "mark.stood-down": ("【级别已降低，应急指挥部撤销】", "Level lowered, headquarters stood down: "),
    "say.headquarters": (
        "请组成应急指挥部。请答复“收到”或“我处理”；无人答复将呼叫下一位代为联络。不能到场的，可授权责任部门负责人临时指挥。",
        "Please form the headquarters, and answer; else the next is called. If you are away, authorise a department's head.",
    ),
    "say.temporary-commander": (
        "{by} 授权您为临时指挥。请组成应急指挥部并答复。",
        "{by} has authorised you as temporary commander. Please form the headquarters, and answer.",
    ),
    "say.acting-contact": (
        "应急指挥部成员无人答复，请您代为联络：先答复，再设法联系组长、副组长。您没有被任命为指挥。",
        "Nobody of the headquarters answers. Answer, then try to reach them. You are not appointed to command.",
    ),
    "say.stood-down": (
        "{by} 已降低级别，应急指挥部撤销。",
        "{by} has lowered the level: the headquarters is stood down.",
    ),
    "purpose.headquarters": ("请组成应急指挥部", "asked to form the headquarters"),
    "purpose.temporary-commander": ("授权临时指挥", "authorised as temporary commander"),
    "purpose.acting-contact": ("请代为联络", "asked to be acting contact"),
    "purpose.stood-down": ("应急指挥部撤销", "headquarters stood down"),
    "event.headquarters": ("启动应急指挥部", "headquarters called"),
    "event.authorised": ("授权临时指挥", "temporary commander authorised"),
    "event.authorisation-ended": ("临时指挥授权到期", "authorisation ended"),
    # the page behind a person's link
    "authorise": ("授权临时指挥", "Authorise a temporary commander"),
    "authorise-whom": ("授权给", "Whom"),
    "authorise-words": ("理由（可不填）", "Why (may be left out)"),
    "authorise-help": (
        "只由组长或副组长授权；会通知本人并记录。",
        "By head or deputy only; they are told, and it is recorded.",
    ),
    "lower": ("降低级别", "Lower the level"),
    "lower-to": ("降为", "To"),
    "lower-help": ("应急指挥部随之撤销，会通知其成员。", "The headquarters is stood down, and told so."),
    "done-authorise": ("已记录：授权临时指挥。", "Recorded: a temporary commander is authorised."),
    "done-lower": ("已记录：级别已降低。", "Recorded: the level is lowered."),
}
