"""From a service provider to :class:`~reconciler.model.Live`; everyone else imports it as :mod:`reconciler.live`."""
