"""The peers: collectd, NUT, and Prometheus with snmp_exporter and Alertmanager, on the same simulated UPSes.

Each function starts one with the settings given and returns the pids that count. A peer that is not installed is None.
"""

import os
import shutil
from pathlib import Path

from farm import BASE, NUMBERS, Processes, addresses

NUT = Path("/lib/nut")


def collectd(
    processes: Processes, folder: Path, port: int, count: int, interval: float, broker: int = 0
) -> list[int] | None:
    """Start collectd: the snmp plugin, its numbers sent on to a broker, or by collectd's own protocol to nobody.

    With nowhere to send to, collectd writes a line of log for each value; that would not be fair.
    """
    binary = shutil.which("collectd") or shutil.which("collectd", path="/usr/sbin")
    if binary is None:
        return None
    data = "\n".join(
        f'<Data "d{index}">\nType "gauge"\nTable false\nTypeInstance "d{index}"\nValues ".{BASE}{suffix}"\n</Data>'
        for index, suffix in enumerate(NUMBERS)
    )
    collect = " ".join(f'"d{index}"' for index in range(len(NUMBERS)))
    hosts = "\n".join(
        f'<Host "ups{index}">\nAddress "{address}:{port}"\nVersion 2\nCommunity "public"\nCollect {collect}\n'
        f"Interval {interval}\nTimeout 1\n</Host>"
        for index, address in enumerate(addresses(count))
    )
    (folder / "collectd.conf").write_text(
        f'BaseDir "{folder}"\nPIDFile "{folder}/collectd.pid"\nPluginDir "/usr/lib/collectd"\n'
        f'TypesDB "/usr/share/collectd/types.db"\nInterval {interval}\nHostname "bench"\nReadThreads 5\n'
        f"LoadPlugin snmp\n<Plugin snmp>\n{data}\n{hosts}\n</Plugin>\n"
        + (
            f'LoadPlugin mqtt\n<Plugin mqtt>\n<Publish "p">\nHost "127.0.0.1"\nPort {broker}\nClientId "collectd"\n'
            'Prefix "collectd"\n</Publish>\n</Plugin>\n'
            if broker
            else 'LoadPlugin network\n<Plugin network>\nServer "127.0.0.1" "9"\n</Plugin>\n'
        )
    )
    process = processes.start(
        binary, "-f", "-C", str(folder / "collectd.conf"), log=folder / "collectd.log", env={"MIBS": ""}
    )
    return [process.pid]


def nut(
    processes: Processes,
    folder: Path,
    port: int,
    count: int,
    upsd: int,
    *,
    pollfreq: int,
    pollinterval: int,
    upsmon: int,
) -> list[int] | None:
    """Start NUT; its upsmon appends a line to ``nut-events`` for each notification."""
    if not (NUT / "snmp-ups").exists():
        return None
    names = [f"ups{index}" for index in range(count)]
    sections = "".join(
        f"[{name}]\ndriver = snmp-ups\nport = {address}:{port}\ncommunity = public\nsnmp_version = v2c\nmibs = ietf\n"
        f"pollfreq = {pollfreq}\n"
        for name, address in zip(names, addresses(count), strict=True)
    )
    notify = folder / "notify.sh"
    notify.write_text(f'#!/bin/sh\necho "$NOTIFYTYPE $(date +%s.%N)" >>{folder}/nut-events\n')
    notify.chmod(0o755)
    files = {
        "ups.conf": f"user = root\npollinterval = {pollinterval}\nmaxretry = 2\n{sections}",
        "upsd.conf": f"LISTEN 127.0.0.1 {upsd}\nMAXAGE 60\n",
        "upsd.users": "[mon]\npassword = pw\nupsmon secondary\n",
        "upsmon.conf": "RUN_AS_USER root\nMINSUPPLIES 0\nSHUTDOWNCMD /bin/true\n"
        + "".join(f"MONITOR {name}@127.0.0.1:{upsd} 0 mon pw secondary\n" for name in names)
        + f"NOTIFYCMD {notify}\nPOLLFREQ {upsmon}\nPOLLFREQALERT {upsmon}\nDEADTIME 90\n"
        f"POWERDOWNFLAG {folder}/killpower\nNOTIFYFLAG ONBATT EXEC\nNOTIFYFLAG ONLINE EXEC\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o640)
    (folder / "nut-events").touch()
    env = {name: str(folder) for name in ("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH")} | {
        "MIBS": ""
    }
    log = folder / "nut.log"
    running = [
        processes.start(str(NUT / "snmp-ups"), "-F", "-u", "root", "-a", name, log=log, env=env) for name in names
    ]
    running.append(processes.start(str(NUT / "upsd"), "-F", "-u", "root", log=log, env=env))
    running.append(processes.start(*_alone(str(NUT / "upsmon"), "-F", "-p"), log=log, env=env))
    return [process.pid for process in running]


def _alone(*command: str) -> tuple[str, ...]:
    """Return a command that sees a /run/nut of its own: upsmon keeps its one pid file there whatever it is told."""
    if os.geteuid() != 0 or not Path("/run/nut").is_dir():
        return command
    return ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run/nut && exec "$0" "$@"', *command)


def prometheus(
    processes: Processes, folder: Path, port: int, count: int, ports: tuple[int, int, int], hook: str
) -> tuple[list[int], list[int]] | None:
    """Start the stack at 1 s; return the pids of snmp_exporter alone, and of all three."""
    names = ("prometheus-snmp-exporter", "prometheus", "prometheus-alertmanager")
    if any(shutil.which(name) is None for name in names):
        return None
    exporter, server, manager = ports
    oids = "".join(f"  - {BASE}{suffix}\n" for suffix in NUMBERS)
    metrics = "".join(
        f"  - {{name: ups_{suffix.replace('.', '_')}, oid: {BASE}{suffix.removesuffix('.0')}, type: gauge, help: x}}\n"
        for suffix in NUMBERS
    )
    targets = ", ".join(f'"{address}:{port}"' for address in addresses(count))
    files = {
        "snmp.yml": f"ups:\n  version: 2\n  auth: {{community: public}}\n  timeout: 900ms\n  retries: 1\n  get:\n{oids}  metrics:\n{metrics}",
        "prometheus.yml": f"""global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{folder}/rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{manager}"]}}]}}]}}
scrape_configs:
- job_name: ups
  metrics_path: /snmp
  params: {{module: [ups]}}
  static_configs: [{{targets: [{targets}]}}]
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{source_labels: [__param_target], target_label: instance}}
  - {{target_label: __address__, replacement: "127.0.0.1:{exporter}"}}
""",
        "rules.yml": "groups:\n- name: ups\n  rules:\n  - {alert: OnBattery, expr: 'ups_4_1_0 == 5'}\n",
        "manager.yml": "route: {receiver: hook, group_by: [instance], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        f'receivers: [{{name: hook, webhook_configs: [{{url: "{hook}", send_resolved: true}}]}}]\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    log = folder / "prometheus.log"
    first = processes.start(
        names[0], f"--config.file={folder}/snmp.yml", f"--web.listen-address=127.0.0.1:{exporter}", log=log
    )
    others = [
        processes.start(
            names[2], f"--config.file={folder}/manager.yml", f"--storage.path={folder}/manager",
            f"--web.listen-address=127.0.0.1:{manager}", "--cluster.listen-address=", log=log,
        ),
        processes.start(
            names[1], f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{server}", log=log,
        ),
    ]  # fmt: skip
    return [first.pid], [first.pid, *(process.pid for process in others)]
