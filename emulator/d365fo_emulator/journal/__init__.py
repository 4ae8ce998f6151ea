"""What was asked, what was answered and why; bounded, with secrets redacted."""
