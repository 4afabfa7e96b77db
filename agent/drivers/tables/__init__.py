"""Devices that keep tables: switches, routers, voice gateways, hosts. Parts of one driver, each for a family of MIBs."""
