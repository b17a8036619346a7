"""BridgeRouter: what Discord tells becomes a value that says what to do."""
