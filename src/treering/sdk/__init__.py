"""The client: what runs inside a training process, and how records are read back. Standard library, msgspec, psutil."""
