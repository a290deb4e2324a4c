"""The exchange's doors: REST and WebSocket as OKX speaks them, with or without sockets."""
