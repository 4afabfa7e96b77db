"""What people report, approve and confirm. Chinese, English."""

from typing import Final

TEXT: Final[dict[str, tuple[str, str]]] = {
    "mark.approval": ("【请审批】", "Please approve: "),
    "mark.approved": ("【已批准】", "Approved: "),
    "mark.refused": ("【未批准】", "Refused: "),
    "approval": ("请您审批", "It waits for your approval"),
    "approval-words": ("意见（不批准必须写理由）", "A sentence (a refusal needs its reason)"),
    "approve": ("批准", "Approve"),
    "refuse": ("不批准", "Refuse"),
    "approve-help": ("报告人会收到结果。", "The reporter hears the answer."),
    "confirm": ("确认级别", "Confirm the level"),
    "confirm-help": ("只由预案指定的部门确认，会通知相关人员。", "For those whom the plan names; the others are told."),
    "done-approve": ("已记录：批准。", "Recorded: approved."),
    "done-refuse": ("已记录：不批准。", "Recorded: refused."),
    "done-confirm": ("已记录：级别已确认。", "Recorded: the level is confirmed."),
    "telephone": ("外部联系", "Telephone"),
    "purpose.approval": ("请审批", "asked to approve"),
    "purpose.decided": ("告知审批结果", "told what is decided"),
    "event.approved": ("批准", "approved"),
    "event.refused": ("不批准", "refused"),
    "event.confirmed": ("确认级别", "level confirmed"),
}
