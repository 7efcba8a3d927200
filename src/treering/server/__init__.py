"""
The HTTP server: one ASGI application over one store.

``serve`` binds sockets and runs ``app``; every request passes ``guard`` before it is routed, each route in ``routes/``
declares its permission, and replies leave through ``replies`` (JSON) or ``frames`` (chart columns).
"""
