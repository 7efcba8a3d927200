"""
Alerts on their way to people: channels, quiet hours, messages, and what sends them.

``service`` looks at runs and offers what that finds to ``delivery``, which sends it to the ``channels`` of a project by
``mail`` or by the server's one client for addresses that somebody typed in, ``treering.server.outbound``.
"""
