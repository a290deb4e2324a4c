"""Service files as text: systemd units and timers, and a crontab block."""
