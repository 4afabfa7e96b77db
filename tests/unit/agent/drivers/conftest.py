"""What these tests share can be imported: ``snmp_fakes``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "judge"))  # the reader of recordings
