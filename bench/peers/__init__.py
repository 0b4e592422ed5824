"""What people would use instead: other scripts on the same clips, asked for the same answers, in the same run as ours."""
