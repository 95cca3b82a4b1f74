"""What an agency needs to sign, send, retry and keep the proof."""
