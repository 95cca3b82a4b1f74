"""What two services must agree on byte for byte, and the helpers that every process uses."""
