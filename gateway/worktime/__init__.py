"""Time that people keep: working days and hours of a site, and the time limits that are counted by them. Pure."""
