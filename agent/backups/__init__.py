"""Backups: what there is (``files``), what it should be (``verdict``, by the site's ``daily`` hours), and whether it is whole (``archive``)."""
