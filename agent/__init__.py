"""The watch-tower: one per room, depot, vehicle or host. Reads devices and speaks to the gateway over MQTT."""
