"""Process, flags, files and devices; nothing here knows of learning."""
