"""An embedded SCIM 2.0 directory over real HTTP on loopback: for the demo, for tests and for trying things out."""
