"""How answers look: tables for people, text for pipes, JSON for programs."""
