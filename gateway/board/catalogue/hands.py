"""What is said of an incident's way from hand to hand, of its reopening and its coming again. Chinese, English."""

from typing import Final

TEXT: Final[dict[str, tuple[str, str]]] = {
    # states and purposes
    "incident.closed-standing": ("已关闭，报警仍在", "closed, still standing"),
    "purpose.handover": ("请接手", "handover"),
    "purpose.handed-over": ("已由他人接手", "handed over"),
    "purpose.handed-back": ("移交未成", "handed back"),
    "purpose.progress": ("询问进展", "how far are you"),
    "purpose.owner-expired": ("无进展，已收回", "taken back"),
    # kinds of events
    "event.handover": ("移交给他人", "handover asked"),
    "event.accepted-handover": ("接手", "taken over"),
    "event.declined-handover": ("不接手", "handover declined"),
    "event.lapsed-handover": ("无人接手，移交失效", "handover lapsed"),
    "event.progress": ("进展", "progress"),
    "event.owner-expired": ("无进展，收回", "no progress: taken back"),
    "event.escalated": ("向上通知", "escalated"),
    "event.reopened": ("重新打开", "reopened"),
    "reopened-itself": ("关闭后报警一直未消失", "its alarm still stood long after it was closed"),
    "standing-closed": ("关闭时报警仍在", "its alarm stood"),
    "rung": ("第 {n} 级，{department}", "rung {n}, {department}"),
    # marks at the beginning of a message
    "mark.worse": ("【加重】", "Worse: "),
    "mark.warning": ("【时限提醒】", "Time is running: "),
    "mark.overdue": ("【超过时限】", "Past its time limit: "),
    "mark.affected": ("【受影响】", "Affected: "),
    "mark.recovery": ("【恢复】", "Recovered: "),
    "mark.handover": ("【请接手】", "Please take over: "),
    "mark.handed-over": ("【已接手】", "Taken over: "),
    "mark.handed-back": ("【移交未成，仍由您处理】", "Still yours, the handover failed: "),
    "mark.progress": ("【进展如何？】", "How far are you? "),
    "mark.owner-expired": ("【无人处理】", "Nobody has it: "),
    # sentences of messages and pages
    "say.handover": (
        "{giver} 想把此事交给您：{words}\n您接手之前，仍由 {giver} 负责。",
        "{giver} wants to hand it over to you: {words}\nUntil you take it, it stays with {giver}.",
    ),
    "say.handed-over": ("现由 {owner} 处理，您不再负责。", "{owner} has it now; it is no longer yours."),
    "say.declined": (
        "{taker} 不接手：{words}\n此事仍由您处理，请确认；否则将继续向上通知。",
        "{taker} declined: {words}\nIt is still yours: say so, or others will be called.",
    ),
    "say.lapsed": (
        "{taker} 没有答复。此事仍由您处理，请确认；否则将继续向上通知。",
        "{taker} did not answer. It is still yours: say so, or others will be called.",
    ),
    "say.progress": (
        "由您处理，已有一段时间没有进展记录。请答复进展；不答复将继续向上通知。",
        "It is yours, and nothing was heard for a while. Say how far you are, or others will be called.",
    ),
    "say.owner-expired": (
        "原处理人 {owner} 没有进展，现在无人处理，继续向上通知。",
        "{owner} had it, and nothing was heard: nobody has it now, and others are called.",
    ),
    "recurrence": ("第 {n} 次，上次 {code}", "no. {n} in a row, the last was {code}"),
    "recurs": ("再次发生", "Again"),
    "recurred": ("之后又发生：{code}", "came again as {code}"),
    "no-words": ("（没有说明）", "(no words)"),
    # answers
    "answer.take": ("请在此答复（接手 / 不接手）：{link}", "Take it over or decline here: {link}"),
    "answer.take-code": ("请按编号 {code} 答复：接手，或不接手。", "Answer with the code {code}: accept, or decline."),
    "answer.progress": ("请在此答复进展：{link}", "Say how far you are here: {link}"),
    "answer.progress-code": ("请按编号 {code} 答复：进展。", "Answer with the code {code}: progress."),
    "answer.look": ("详情：{link}", "More: {link}"),
    # a person's page
    "yours": ("由您处理。", "It is yours."),
    "expired": ("原处理人 {who} 无进展，已收回", "{who} had it; no progress, taken back"),
    "handing": ("等待 {taker} 接手", "{taker} is asked to take over"),
    "accept": ("接手", "Take over"),
    "accept-help": ("此事由您负责。", "It is yours from now on."),
    "decline": ("不接手", "Decline"),
    "decline-help": ("退回给移交人，可写明原因。", "It goes back; say why if you like."),
    "progress": ("仍在处理", "Still on it"),
    "progress-help": ("记录进展，说明您仍在处理。", "Says that you work on it, and how far you are."),
    "progress-words": ("进展（可不填）", "How far (optional)"),
    "handover": ("移交", "Hand over"),
    "handover-to": ("交给", "To"),
    "handover-words": ("进展到哪里，还要做什么", "Where it stands, what is to be done"),
    "handover-help": (
        "对方接手之前仍由您负责；过时无人接手，会退回给您。",
        "It stays yours until they take it; without an answer it comes back to you.",
    ),
    "reopen": ("重新打开", "Reopen"),
    "reopen-words": ("什么没有解决", "What is not over"),
    "reopen-help": ("重新通知有关人员。", "People are told afresh."),
    "done-accept": ("已记录：由您接手。", "Recorded: it is yours."),
    "done-decline": ("已记录：不接手。", "Recorded: declined."),
    "done-progress": ("已记录进展。", "Recorded: progress."),
    "done-handover": ("已记录：等待对方接手。", "Recorded: they are asked."),
    "done-reopen": ("已记录：重新打开。", "Recorded: open again."),
}
