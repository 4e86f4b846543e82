"""What tests share: the command as a user runs it, texts, damaged models, a hub, clusters. No test is in here."""
