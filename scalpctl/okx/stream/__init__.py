"""The WebSocket side: a state machine without I/O, a driver for real sockets, and what keeps a line alive."""
