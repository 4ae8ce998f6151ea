"""The composition root: the only place that knows every subsystem and joins them."""
