"""What measures, breaks and draws: the bench, the fault matrix, the pictures of the docs."""
