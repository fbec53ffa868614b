"""What nobody may ever find: secrets in what a run leaves behind, and texts that break out of where they are shown."""
