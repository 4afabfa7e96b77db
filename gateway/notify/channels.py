"""The channels of a gateway, by its settings."""

from contract.clock import Clock
from gateway.config import Notify
from gateway.notify.email import EmailChannel
from gateway.notify.letter import Channel
from gateway.notify.webhook import WebhookChannel


def open_channels(settings: Notify, clock: Clock) -> dict[str, Channel]:
    """Return the channels by name: ``email``, ``webhook:<name>``; nothing is connected yet."""
    channels: dict[str, Channel] = {}
    if settings.email is not None:
        channels["email"] = EmailChannel(settings.email)
    for name, webhook in settings.webhook.items():
        channels[f"webhook:{name}"] = WebhookChannel(name, webhook, clock)
    return channels


def open_receivers(settings: Notify, clock: Clock) -> dict[str, WebhookChannel]:
    """Return the webhooks by name, for what concerns no person; nothing is connected yet."""
    return {name: WebhookChannel(name, webhook, clock) for name, webhook in settings.webhook.items()}
