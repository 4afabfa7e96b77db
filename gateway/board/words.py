"""What the board says, in Chinese and in English. One table, so that neither language is forgotten."""

import math
from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = {"zh": "中文", "en": "English"}
"""Language → its own name."""

_TEXT: Final[dict[str, tuple[str, str]]] = {
    "board": ("看板", "board"),
    "skip": ("跳到内容", "Skip to the content"),
    "as-of": ("数据截至", "as of"),
    "connecting": ("正在连接……", "Connecting…"),
    "live": ("实时更新", "live"),
    "cut": (
        "与网关的连接已断开，下面是断开前的数据，不是现在的情况。正在重连……",
        "Cut off from the gateway: what you see is from before the cut, not from now. Trying again…",
    ),
    "cut-short": ("已断开", "cut off"),
    "no-script": (
        "没有脚本：本页每 10 秒重新载入一次。",
        "Scripts are off: this page reloads every 10 seconds.",
    ),
    "loading-failed": ("曲线没有取到，稍后再试。", "The chart could not be fetched; it will be tried again."),
    "alarms": ("当前报警", "Alarms now"),
    "no-alarms": ("当前没有报警。", "No alarms now."),
    "no-alarms-blind": (
        "没有报警，但有设备没有新数据：没有消息不等于正常。",
        "No alarms, but some devices have no fresh data: silence is not health.",
    ),
    "no-alarms-empty": ("没有报警，也没有设备上报。", "No alarms, and no device reports."),
    "sum-alarms": ("{count} 个报警", "alarms: {count}"),
    "sum-blind": ("{count} 台设备无新数据", "devices without fresh data: {count}"),
    "sum-incidents": ("{count} 个未关闭事件", "open incidents: {count}"),
    "sum-fine": ("{count} 台设备正常", "devices fine: {count}"),
    "sum-none": ("没有设备上报", "no device reports"),
    "sum-wrong": ("{count} 台设备不正常", "devices not fine: {count}"),
    "store-away": ("数据库中断 {span}，{count} 条待写", "store away for {span}, {count} messages wait"),
    "store-slow": ("数据库变慢，{count} 条待写", "store slow, {count} messages wait"),
    "store-refused": ("数据库拒收 {count} 条", "lines that the store refused: {count}"),
    "sum-away": ("{count} 个代理失联", "agents silent: {count}"),
    "digest": ("狼烟每日报告，{at}", "wolfsmoke, message of the day, {at}"),
    "digest-calm": ("【平安】", "All well: "),
    "digest-look": ("【请查看】", "Look: "),
    "digest-broken": ("【请查看】通知渠道自检失败", "Look: a channel to people does not work"),
    "agent": ("代理", "agent"),
    "agents": ("代理", "Agents"),
    "no-agents": ("还没有代理上报。", "No agent has reported yet."),
    "more-agents": ("另有 {count} 个代理：wolfsmoke-gateway agents", "{count} more agents: wolfsmoke-gateway agents"),
    "last-heard": ("最近消息", "last heard"),
    "clock": ("时钟", "clock"),
    "clock-right": ("准确", "right"),
    "clock-lost": ("停在 {year} 年，不可信", "in {year}: not trusted"),
    "held": ("待传 {count} 条", "messages held: {count}"),
    "version": ("版本", "version"),
    "trouble": ("自报故障", "its own trouble"),
    "twins": (
        "两个代理在用这个名字：查找被复制的存储卡或重复的安装。",
        "Two agents use this name: look for a cloned card, or a second installation.",
    ),
    "late": (
        "断线期间发生并结束，事后得知，未通知任何人",
        "Began and ended during a cut: learned afterwards, nobody was told",
    ),
    "late-span": ("{began} 至 {ended}", "{began} to {ended}"),
    "since": ("开始于", "since"),
    "for": ("已持续", "for"),
    "devices": ("设备", "Devices"),
    "no-devices": ("还没有设备上报。", "No device has reported yet."),
    "no-devices-hint": (
        "检查代理程序是否在运行、能否连到消息服务器，以及其配置里是否列了设备。",
        "Check that an agent runs, that it reaches the broker, and that its settings list devices.",
    ),
    "all-readings": ("全部读数（{count}）", "All readings ({count})"),
    "all-readings-of-all": ("显示所有设备的全部读数", "Show all readings of all devices"),
    "reading": ("读数", "Reading"),
    "value": ("数值", "Value"),
    "age": ("时间", "Age"),
    "quality": ("质量", "Quality"),
    "last-data": ("最近数据", "last data"),
    "never": ("从未", "never"),
    "incidents": ("事件", "Incidents"),
    "no-incidents": ("没有事件。", "No incidents."),
    "clause": ("预案", "plan"),
    "owner": ("处理人", "owner"),
    "unheard": ("通知全部失败，还没有人知道：请打电话", "Every message failed and nobody knows yet: phone somebody"),
    "nobody": ("还没有人处理", "nobody yet"),
    "opened": ("发生于", "opened"),
    "timeline": ("经过", "Timeline"),
    "no-timeline": ("还没有记录。", "Nothing recorded yet."),
    "steps": ("处置步骤", "Steps"),
    "step-done": ("完成", "Done"),
    "step-tick": ("第 {n} 步完成", "Step {n} is done"),
    "step-due": ("时限 {at}", "by {at}"),
    "step-late": ("已超时", "late"),
    "step-by": ("{who} 于 {at} 完成", "done by {who}, {at}"),
    "done-step": ("已记录：该步骤完成。", "Recorded: the step is done."),
    "not-recorded": (
        "没有记录下来：网关的磁盘暂时写不进去。请再按一次，或打电话告诉值班员。",
        "Not recorded: the gateway's disk does not take it. Press again, or call the person on duty.",
    ),
    "chart": ("最近一小时", "The last hour"),
    "chart-quantity": ("选择读数", "Quantity"),
    "chart-none": ("还没有可画的数据。", "Nothing to draw yet."),
    "chart-words": (
        "曲线断开处没有数据。数值见上方各设备的读数。",
        "Where a line is broken there is no data. The values are in the devices' readings above.",
    ),
    "minimum": ("最低", "lowest"),
    "maximum": ("最高", "highest"),
    "now": ("最后", "last"),
    "device": ("设备", "Device"),
    "time": ("时刻", "Time"),
    "you-are": ("您是", "You are"),
    "seen": ("收到", "Seen"),
    "seen-help": ("不再重复通知您；仍会通知下一个人。", "You are not told again; the next person still is."),
    "mine": ("我处理", "Mine"),
    "mine-help": ("由您负责，停止向上通知。", "You take it on; nobody further is told."),
    "close": ("关闭", "Close"),
    "close-help": ("处理完成后关闭，必须写明原因。", "Close it when it is dealt with. The cause must be named."),
    "reason": ("原因与处理结果", "Cause, and what was done"),
    "reason-missing": ("请写明原因再关闭。", "Name the cause, then close it."),
    "reason-long": ("原因太长，最多 {most} 个字。", "That is too long: {most} characters at the most."),
    "done-seen": ("已记录：收到。", "Recorded: seen."),
    "done-mine": ("已记录：由您处理。", "Recorded: it is yours."),
    "done-close": ("已记录：事件已关闭。", "Recorded: the incident is closed."),
    "is-closed": ("这个事件已经关闭。", "This incident is closed."),
    "to-board": ("查看看板", "To the board"),
    "back": ("返回", "Back"),
    "forged": (
        "这个链接无效或已改动。请使用消息里的完整链接，或联系值班员。",
        "This link is not valid, or it was changed. Use the whole link of your message, or call the person on duty.",
    ),
    "forged-title": ("链接无效", "Not a valid link"),
    "unknown-incident": ("没有编号为 {code} 的事件。", "There is no incident {code}."),
    "unknown-title": ("找不到", "Not found"),
    "refused-title": ("没有执行", "Not done"),
    "refused": ("没有执行：{what}", "Not done: {what}"),
    "no-page": ("没有这个页面。", "There is no such page."),
    "wrong-method": ("这个地址不能这样使用。", "This address cannot be used that way."),
    "too-big": ("提交的内容太大。", "What was sent is too big."),
    "unreadable": ("提交的内容无法读取。", "What was sent cannot be read."),
    "too-many": ("同时打开的页面太多，请稍后再试。", "Too many pages are open; try again later."),
    "age-now": ("刚刚", "just now"),
    "age-s": ("{n} 秒前", "{n} s ago"),
    "age-m": ("{n} 分钟前", "{n} min ago"),
    "age-h": ("{n} 小时前", "{n} h ago"),
    "age-d": ("{n} 天前", "{n} d ago"),
    "span-s": ("{n} 秒", "{n} s"),
    "span-m": ("{n} 分", "{n} min"),
    "span-h": ("{n} 小时", "{n} h"),
    "span-d": ("{n} 天", "{n} d"),
    "comma": ("、", ", "),
    "colon": ("：", ": "),
    "semicolon": ("；", "; "),
    "device-now": ("现在", "Now"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    # how far a value can be believed
    "quality.good": ("有效", "good"),
    "quality.stale": ("过时", "stale"),
    "quality.implausible": ("不可信", "implausible"),
    "quality.unavailable": ("无数据", "no data"),
    # what a device is, as a whole
    "state.fine": ("正常", "fine"),
    "state.alarm": ("报警", "alarm"),
    "state.stale": ("数据过时", "stale"),
    "state.mute": ("设备无应答", "no answer"),
    "state.unsure": ("状态不明", "state unknown"),
    "state.away": ("代理失联", "agent away"),
    "state.silent": ("无数据", "no data"),
    # what an agent is
    "agent-state.there": ("在线", "online"),
    "agent-state.away": ("失联", "away"),
    "agent-state.never": ("未连接", "not heard yet"),
    # severities
    "severity.minor": ("轻微", "minor"),
    "severity.moderate": ("一般", "moderate"),
    "severity.severe": ("严重", "severe"),
    "severity.extreme": ("紧急", "extreme"),
    # ISA-18.2
    "alarm.normal": ("正常", "normal"),
    "alarm.unacknowledged": ("未确认", "unacknowledged"),
    "alarm.acknowledged": ("已确认", "acknowledged"),
    "alarm.returned-unacknowledged": ("已恢复，未确认", "returned, unacknowledged"),
    "alarm.shelved": ("已搁置", "shelved"),
    "alarm.suppressed": ("已抑制", "suppressed"),
    "alarm.out-of-service": ("已停用", "out of service"),
    # conditions
    "condition.on-battery": ("市电中断，电池供电", "Mains lost: on battery"),
    "condition.low-battery": ("电池电量低", "Battery low"),
    "condition.replace-battery": ("电池需要更换", "Replace the battery"),
    "condition.overload": ("过载", "Overloaded"),
    "condition.bypass": ("旁路供电，负载无保护", "On bypass: the load is unprotected"),
    "condition.over-temperature": ("温度过高", "Too hot"),
    "condition.contact-lost": ("设备失去联系", "Contact lost"),
    "condition.charge-low": ("电池剩余电量低", "Charge low"),
    "condition.agent-silent": ("代理失联，设备状态不明", "Agent silent: its devices are unknown"),
    "condition.broker-away": ("消息服务器中断，全部设备状态不明", "Broker away: every device is unknown"),
    "condition.two-agents": ("两个代理用同一个名字", "Two agents under one name"),
    "condition.clock-offset": ("代理时钟不准", "The agent's clock is wrong"),
    "condition.agent-trouble": ("代理自报故障", "The agent reports trouble"),
    "condition.store-away": ("时序数据库不接收数据", "The store takes nothing"),
    "condition.journal-full": ("网关磁盘将满", "The gateway's disk is nearly full"),
    "condition.runtime-short": ("预计供电时间不足", "Runtime too short"),
    "condition.output-off": ("输出关闭", "Output off"),
    "condition.fault": ("设备故障", "The UPS reports a fault"),
    "condition.card-blind": ("网卡与主机失联，读数已过时", "The card has lost its UPS: its readings are old"),
    "condition.smoke": ("烟雾", "Smoke"),
    "condition.heat": ("感温火警", "Heat"),
    "condition.water": ("漏水", "Water"),
    "condition.gas": ("可燃气体", "Gas"),
    "condition.door-open": ("门未关", "Door open"),
    "condition.mains-lost": ("市电中断", "Mains lost"),
    "condition.wire-break": ("探测线断线或短路", "A detector's wire is broken"),
    "condition.sensor-fault": ("传感器故障", "A sensor has failed"),
    "condition.limit-passed": ("设备自设限值越限", "Beyond a limit set in the device"),
    "condition.room-hot": ("室温高", "Room hot"),
    "condition.room-too-hot": ("室温过高", "Room too hot"),
    "condition.room-cold": ("室温低", "Room cold"),
    "condition.room-damp": ("湿度高", "Room damp"),
    "condition.room-dry": ("湿度低", "Room dry"),
    "condition.surge-failed": ("防雷器失效", "Surge protector failed"),
    "condition.surge-open": ("防雷器后备保护断开", "Surge protector's switch is off"),
    "condition.surge-worn": ("防雷器劣化", "Surge protector worn"),
    "condition.surge-life-low": ("防雷器寿命将尽", "Surge protector's life nearly over"),
    "condition.surge-leakage": ("防雷器漏电流大", "Surge protector leaks"),
    "condition.surge-earth": ("接地不良", "Bad earth"),
    "condition.surge-hot": ("防雷器过热", "Surge protector hot"),
    "condition.lightning": ("雷击", "Lightning struck"),
    "condition.earth-bad": ("接地电阻超标", "Earth resistance too high"),
    "condition.line-down": ("线路中断", "Line down"),
    "condition.line-degraded": ("线路质量差", "Line degraded"),
    "condition.line-flapping": ("线路时断时续", "The line comes and goes"),
    "condition.line-dns": ("域名解析故障", "No name server answers"),
    "condition.line-service": ("线路对端服务异常", "A service at the far end is wrong"),
    "condition.line-target-silent": ("部分对端无应答", "A far target is silent"),
    "condition.line-unprobed": ("线路无法探测，情况不明", "The line cannot be probed: nothing is known of it"),
    "condition.sip-error": ("语音中继报错", "The SIP trunk reports an error"),
    "condition.sip-busy": ("语音中继繁忙或维护中", "The SIP trunk is busy or in maintenance"),
    "condition.certificate-ends": ("证书即将到期", "A certificate ends soon"),
    "condition.ping-silent": ("无 ping 应答", "No answer to pings"),
    "condition.port-closed": ("端口不通", "A port takes no connections"),
    "condition.service-wrong": ("服务应答异常", "A service answers wrongly"),
    "condition.unprobed": ("无法探测，情况不明", "Cannot be probed: nothing is known"),
    # states of an incident
    "incident.open": ("未处理", "open"),
    "incident.owned": ("处理中", "in hand"),
    "incident.gone": ("原因已消失，待核实", "cause gone, to be checked"),
    "incident.checked": ("已核实，待关闭", "checked, to be closed"),
    "incident.closed": ("已关闭", "closed"),
    "overdue": ("已超时限", "overdue"),
    "deadline": ("时限", "deadline"),
    "purpose.page": ("报警", "alarm"),
    "purpose.worse": ("情况加重", "worse"),
    "purpose.overdue": ("超过时限", "past its time limit"),
    "purpose.recovery": ("已恢复", "recovery"),
    "closed-itself": ("核实后自动关闭", "by itself, once checked"),
    # kinds of events
    "event.opened": ("预案启动", "plan in force"),
    "event.history": ("事后得知", "learned afterwards"),
    "event.clock": ("时钟校正", "clock put right"),
    "event.joined": ("新的报警并入", "another alarm joined"),
    "event.ended": ("报警结束", "alarm over"),
    "event.cause-gone": ("原因消失", "cause gone"),
    "event.message": ("发出通知", "message sent"),
    "event.resent": ("结果不明，重发", "outcome unknown, sent again"),
    "event.accepted": ("通知已被接收", "message accepted"),
    "event.failed": ("通知失败", "message failed"),
    "event.seen": ("收到", "seen"),
    "event.mine": ("我处理", "taken on"),
    "event.step": ("步骤完成", "step done"),
    "event.noted": ("备注", "note"),
    "event.overdue": ("超过时限", "overdue"),
    "event.checked": ("原因已核实", "cause checked"),
    "event.closed": ("关闭", "closed"),
    # flags of ups.status
    "flag.OL": ("市电供电", "on mains"),
    "flag.OB": ("电池供电", "on battery"),
    "flag.LB": ("电池低", "battery low"),
    "flag.HB": ("电池过压", "battery high"),
    "flag.RB": ("需换电池", "replace battery"),
    "flag.CHRG": ("充电", "charging"),
    "flag.DISCHRG": ("放电", "discharging"),
    "flag.BYPASS": ("旁路", "bypass"),
    "flag.CAL": ("自检", "calibration or test"),
    "flag.OFF": ("输出关闭", "output off"),
    "flag.OVER": ("过载", "overloaded"),
    "flag.TRIM": ("降压", "trimming"),
    "flag.BOOST": ("升压", "boosting"),
    "flag.FSD": ("正在关机", "shutting down"),
    "flag.ALARM": ("设备报警", "device alarm"),
    "flag.ECO": ("节能", "eco"),
    "flag.FAULT": ("设备故障", "fault"),
    "flag.COMM": ("卡与主机失联", "card lost its UPS"),
    "flag.SMOKE": ("烟雾", "smoke"),
    "flag.HEAT": ("感温", "heat"),
    "flag.WATER": ("漏水", "water"),
    "flag.GAS": ("可燃气体", "gas"),
    "flag.DOOR": ("门开", "door open"),
    "flag.MOTION": ("有人", "motion"),
    "flag.MAINS": ("无市电", "no mains"),
    "flag.BREAK": ("断线", "wire broken"),
    "flag.WORN": ("劣化", "worn"),
    "flag.OPEN": ("后备断开", "switch off"),
    "flag.LEAKAGE": ("漏电流大", "leakage"),
    "flag.EARTH": ("接地不良", "bad earth"),
    # flags of x.line.status, x.probe.status, x.sip.status
    "flag.UP": ("通", "up"),
    "flag.DOWN": ("中断", "down"),
    "flag.DEGRADED": ("质量差", "degraded"),
    "flag.NO-TARGET": ("部分对端无应答", "a far target is silent"),
    "flag.NO-SERVICE": ("服务异常", "a service is wrong"),
    "flag.NO-DNS": ("域名解析故障", "no DNS"),
    "flag.NO-GATEWAY": ("网关无应答", "gateway silent"),
    "flag.UNPROBED": ("无法探测", "could not be probed"),
    "flag.WHY-PORT": ("原因：本地端口或网线", "cause: local port or cable"),
    "flag.WHY-EQUIPMENT": ("原因：本地设备", "cause: local equipment"),
    "flag.WHY-POWER": ("原因：本地设备断电", "cause: local equipment has no power"),
    "flag.WHY-CARRIER": ("原因：运营商", "cause: the carrier"),
    "flag.WHY-FAR-END": ("原因：对端", "cause: the far end"),
    "flag.WHY-DNS": ("原因：域名服务器", "cause: name server"),
    "flag.WHY-UNCLEAR": ("原因不明", "cause unclear"),
    "flag.NO-PING": ("无 ping 应答", "no answer to pings"),
    "flag.NO-PORT": ("端口不通", "a port is closed"),
    "flag.ANSWERS": ("有应答", "answers"),
    "flag.REFUSES": ("拒绝探测", "refuses"),
    "flag.ERROR": ("报错", "error"),
    "flag.BUSY": ("繁忙", "busy"),
    # steps of a line's self-check, what each found, and the verdict
    "step.port": ("本地端口", "local port"),
    "step.equipment": ("本地设备", "local equipment"),
    "step.power": ("设备电源", "its power"),
    "step.gateway": ("网关", "gateway"),
    "step.hop": ("运营商第一跳", "carrier's hop"),
    "step.far": ("对端", "far end"),
    "step.dns": ("域名解析", "DNS"),
    "mark.ok": ("正常", "fine"),
    "mark.weak": ("较差", "weak"),
    "mark.part": ("部分异常", "partly wrong"),
    "mark.bad": ("异常", "wrong"),
    "mark.unknown": ("不明", "unknown"),
    "verdict.none": ("无故障", "nothing wrong"),
    "verdict.local-port": ("本地端口或网线", "local port or cable"),
    "verdict.local-equipment": ("本地设备", "local equipment"),
    "verdict.local-power": ("本地设备断电", "local equipment has no power"),
    "verdict.carrier": ("运营商", "the carrier"),
    "verdict.far-end": ("对端", "the far end"),
    "verdict.dns": ("域名服务器", "name server"),
    "verdict.unclear": ("不明，需人工检查", "unclear: to be checked by hand"),
    # quantities; the dictionary in contract/ has the English meaning of all of them
    "quantity.ups.status": ("状态", "status"),
    "quantity.ups.load": ("负载", "load"),
    "quantity.ups.realpower": ("有功功率", "active power"),
    "quantity.ups.power": ("视在功率", "apparent power"),
    "quantity.ups.temperature": ("机内温度", "UPS temperature"),
    "quantity.ups.mfr": ("厂商", "manufacturer"),
    "quantity.ups.model": ("型号", "model"),
    "quantity.ups.serial": ("序列号", "serial number"),
    "quantity.ups.firmware": ("固件", "firmware"),
    "quantity.ups.alarm": ("设备自报的报警", "the device's own alarms"),
    "quantity.ups.test.result": ("上次自检结果", "last self-test"),
    "quantity.battery.charge": ("电池电量", "battery charge"),
    "quantity.battery.runtime": ("剩余时间", "runtime left"),
    "quantity.battery.voltage": ("电池电压", "battery voltage"),
    "quantity.battery.current": ("电池电流", "battery current"),
    "quantity.battery.temperature": ("电池温度", "battery temperature"),
    "quantity.battery.status": ("电池状态", "battery state"),
    "quantity.battery.date": ("上次换电池", "battery replaced"),
    "quantity.input.voltage": ("输入电压", "input voltage"),
    "quantity.input.frequency": ("输入频率", "input frequency"),
    "quantity.input.current": ("输入电流", "input current"),
    "quantity.input.transfer.reason": ("上次转电池的原因", "last transfer's reason"),
    "quantity.output.voltage": ("输出电压", "output voltage"),
    "quantity.output.frequency": ("输出频率", "output frequency"),
    "quantity.output.current": ("输出电流", "output current"),
    "quantity.ambient.temperature": ("室温", "room temperature"),
    "quantity.ambient.humidity": ("湿度", "humidity"),
    "quantity.ambient.status": ("传感器状态", "sensors"),
    "quantity.ambient.alarm": ("报警的传感器", "sensors in alarm"),
    "quantity.x.ambient.temperature.maximum": ("最高温度", "highest temperature"),
    "quantity.x.ambient.temperature.minimum": ("最低温度", "lowest temperature"),
    "quantity.x.ambient.humidity.maximum": ("最高湿度", "highest humidity"),
    "quantity.x.ambient.humidity.minimum": ("最低湿度", "lowest humidity"),
    "quantity.x.smoke.density": ("烟雾浓度", "smoke"),
    "quantity.x.surge.status": ("防雷器状态", "surge protector"),
    "quantity.x.surge.life": ("防雷器寿命", "life left"),
    "quantity.x.surge.leakage": ("漏电流", "leakage current"),
    "quantity.x.surge.strikes.total": ("累计雷击次数", "strikes"),
    "quantity.x.surge.strikes.recent": ("近一小时雷击", "strikes in the last hour"),
    "quantity.x.surge.temperature": ("防雷器温度", "protector's temperature"),
    "quantity.x.earth.resistance": ("接地电阻", "earth resistance"),
    "quantity.x.line.status": ("线路状态", "line"),
    "quantity.x.line.carrier": ("运营商", "carrier"),
    "quantity.x.line.loss": ("丢包率", "loss"),
    "quantity.x.line.delay": ("时延", "delay"),
    "quantity.x.line.jitter": ("抖动", "jitter"),
    "quantity.x.line.drops.recent": ("近一小时中断次数", "drops in the last hour"),
    "quantity.x.line.gateway.loss": ("到网关丢包率", "loss to the gateway"),
    "quantity.x.line.gateway.delay": ("到网关时延", "delay to the gateway"),
    "quantity.x.line.gateway.address": ("网关", "gateway"),
    "quantity.x.line.hop.address": ("运营商第一跳", "carrier's first hop"),
    "quantity.x.selfcheck.verdict": ("自检结论", "self-check"),
    "quantity.x.selfcheck.findings": ("自检各步结果", "self-check, step by step"),
    "quantity.x.selfcheck.at": ("自检时间", "self-check made"),
    "quantity.x.probe.status": ("探测结果", "probes"),
    "quantity.x.probe.delay": ("应答时延", "delay"),
    "quantity.x.probe.loss": ("丢包率", "loss"),
    "quantity.x.probe.fault": ("异常说明", "what is wrong"),
    "quantity.x.sip.status": ("语音中继状态", "SIP"),
    "quantity.x.sip.code": ("SIP 应答码", "SIP response"),
    "quantity.x.sip.delay": ("SIP 应答时延", "SIP delay"),
    "quantity.x.sip.retry": ("要求稍后重试", "asks to be tried again after"),
    "quantity.x.tls.days": ("证书剩余天数", "certificate, days left"),
    "quantity.x.contact": ("有应答", "answers"),
    "quantity.x.ups.on-battery.time": ("已用电池时间", "time on battery"),
    "quantity.x.ups.alarms": ("设备报警数", "device's alarms"),
}


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        """Take ``zh`` or ``en``; anything else reads Chinese."""
        self.language = language if language in LANGUAGES else "zh"
        self._at = list(LANGUAGES).index(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """Return a text of the catalogue.

        Raises:
            KeyError: the catalogue has no such text: a mistake of ours, found by the tests.
        """
        text = _TEXT[key][self._at]
        return text.format(**values) if values else text

    def name(self, group: str, code: str) -> str:
        """Return what a code of a group is called; a code that the catalogue does not know speaks for itself."""
        texts = _TEXT.get(f"{group}.{code}")
        return texts[self._at] if texts else code

    def either(self, zh: str, en: str) -> str:
        """Return the one of two given texts that is ours; the other one when ours is empty."""
        return (en or zh) if self.language == "en" else (zh or en)

    def age(self, seconds: float) -> str:
        """Return how long ago something was; what lies a moment ahead (clocks differ) is now."""
        n, unit = _coarse(seconds)
        return self("age-now") if unit == "s" and n < 2 else self(f"age-{unit}", n=n)

    def span(self, seconds: float) -> str:
        """Return a duration in its two largest units."""
        whole = _whole(seconds)
        parts = [("d", whole // 86400), ("h", whole // 3600 % 24), ("m", whole // 60 % 60), ("s", whole % 60)]
        first = next((at for at, (_, n) in enumerate(parts) if n), 3)
        return " ".join(self(f"span-{unit}", n=n) for unit, n in parts[first : first + 2] if n or unit == "s")

    def for_script(self) -> Mapping[str, str]:
        """Return what the page's own script says: it counts the ages between two updates."""
        keys = ("age-now", "age-s", "age-m", "age-h", "age-d", "live", "cut-short", "loading-failed", "chart-none")
        return {key: _TEXT[key][self._at] for key in keys} | {"quality-stale": _TEXT["quality.stale"][self._at]}


def _coarse(seconds: float) -> tuple[int, str]:
    """Return an age in its largest unit. ``static/board.js`` counts by the same steps."""
    whole = _whole(seconds)
    if whole < 120:
        return whole, "s"
    if whole < 7200:
        return whole // 60, "m"
    if whole < 172800:
        return whole // 3600, "h"
    return whole // 86400, "d"


def _whole(seconds: float) -> int:
    """Return whole seconds, 0 at the least; a device may have sent any number."""
    return max(0, int(seconds)) if math.isfinite(seconds) else 0


def pairs() -> Mapping[str, tuple[str, str]]:
    """Return the whole catalogue, for the tests."""
    return _TEXT
