"""What a session is: ManagedSession folded from records, requests and who may decide them, questions, steering."""
