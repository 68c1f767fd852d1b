"""What `{{ }}` means: the template environment, its functions, and what a template refers to."""
