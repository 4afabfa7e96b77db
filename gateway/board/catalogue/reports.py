"""What people report, approve and confirm. Chinese, English."""

from typing import Final

TEXT: Final[dict[str, tuple[str, str]]] = {
    "mark.approval": ("【请审批】", "Please approve: "),
    "mark.approved": ("【已批准】", "Approved: "),
    "mark.refused": ("【未批准】", "Refused: "),
    "telephone": ("外部联系", "Telephone"),
    "purpose.approval": ("请审批", "asked to approve"),
    "purpose.decided": ("告知审批结果", "told what is decided"),
    "event.approved": ("批准", "approved"),
    "event.refused": ("不批准", "refused"),
    "event.confirmed": ("确认级别", "level confirmed"),
}
