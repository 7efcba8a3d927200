"""What TensorBoard's writers leave: event files read, their values understood, and followed while they grow."""
