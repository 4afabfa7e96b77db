"""What others hear and do of the incidents: retained topics, webhooks, outputs of devices. Nobody here tells people."""
