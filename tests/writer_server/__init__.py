"""A local server that speaks Anthropic Messages, Message Batches and OpenAI Chat Completions, with faults on demand.

In a test: `with serve(Settings(latency=0.1)) as server:` and `server.environment()`. In a process of its own, for what
is to be killed: `python -m tests.writer_server --latency 0.1`, which prints its port.
"""

from tests.writer_server.responders import Responder, default_responder
from tests.writer_server.server import WriterServer, serve
from tests.writer_server.settings import ALL_FAULTS, Settings

__all__ = ["ALL_FAULTS", "Responder", "Settings", "WriterServer", "default_responder", "serve"]
