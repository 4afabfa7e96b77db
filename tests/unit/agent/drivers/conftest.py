"""What these tests share can be imported: ``snmp_fakes``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
