"""``python firmware-sims`` runs the simulators from a bare checkout."""

import sys

from firmware_sims.__main__ import main

sys.exit(main())
