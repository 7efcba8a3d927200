"""
Other people's training loops, recorded: one module for each framework, which is imported only there.

::

    from treering.integrations.lightning import TreeringLogger
    from treering.integrations.huggingface import TreeringCallback
"""
