"""Keep a SCIM 2.0 directory equal to YAML files in Git."""
