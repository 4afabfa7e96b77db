"""Signs of attack: failed log-ins (``logins``), syslog of other devices (``syslog``), and how many of late (``bursts``)."""
