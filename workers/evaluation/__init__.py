"""How often the check errs, on data whose truth is known: `realname evaluate`. See docs/evaluation.md."""
