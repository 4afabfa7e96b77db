"""What is said of drills."""

from typing import Final

TEXT: Final[dict[str, tuple[str, str]]] = {
    "drill": ("演练", "Drill"),
    "drill-none": ("还没有演练过", "No drill yet"),
    "drill-runs": ("演练进行中：这不是真实事件", "A drill is under way: this is not real"),
    "drill-begun": (
        "演练开始：{title}（预案 {clause}）。{code} 的消息都带【演练】，请像真实事件一样处置，并在消息里回应。",
        "A drill begins: {title} (clause {clause}). Every message of {code} is marked; act and answer as if it were real.",
    ),
    "drill-done": ("演练结束：{code}。谢谢参加。", "The drill is over: {code}. Thank you."),
    "drill-time": ("演练时间到，{code} 结束。", "The drill's time is over: {code} has ended."),
    "drill-stopped": ("演练 {code} 由 {what} 停止。", "Drill {code} was stopped by {what}."),
    "drill-real-alarm": (
        "演练中止！有真实事件 {what}，请立即处理真实事件。",
        "The drill is off! {what} is real: turn to it at once.",
    ),
    "drill-restart": ("网关重新启动，演练 {code} 中止。", "The gateway was started anew: drill {code} is off."),
    "drill-why.done": ("完成", "done"),
    "drill-why.time": ("时间到", "its time was over"),
    "drill-why.stopped": ("被停止", "stopped"),
    "drill-why.real-alarm": ("让位于真实事件", "gave way to a real incident"),
    "drill-why.restart": ("网关重启而中止", "cut short by a restart"),
    "drill-why.running": ("进行中", "under way"),
    "drill-score": ("达到 {met} / {counted}", "{met} of {counted} met"),
    "drill-by": ("发起人", "Begun by"),
    "drill-people": ("参加人员", "Participants"),
    "drill-speed": ("速度", "Speed"),
    "drill-plan": ("预案版本", "Plan version"),
    "drill-expected": ("要求", "Expected"),
    "drill-within": ("时限", "Within"),
    "drill-took": ("实际", "Took"),
    "drill-verdict": ("结果", "Result"),
    "drill-who": ("人员", "Who"),
    "drill-told": ("通知", "Messages"),
    "drill-would": ("未参加，实际会通知", "takes no part; would have been told"),
    "drill-answers": ("应答", "Answers"),
    "drill-verdict.met": ("达到", "met"),
    "drill-verdict.late": ("迟了", "late"),
    "drill-verdict.missed": ("没有做到", "missed"),
    "drill-verdict.cut": ("未到时间即结束", "cut short"),
    "drill-what.seen": ("有人收到", "somebody has seen it"),
    "drill-what.mine": ("有人处理", "somebody has taken it on"),
    "drill-what.step": ("完成第 {step} 步", "step {step} is done"),
    "drill-what.closed": ("关闭事件", "the incident is closed"),
}
"""Key → Chinese, English."""
