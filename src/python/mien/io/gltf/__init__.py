"""glTF 2.0: meshes with morph targets, where their nodes put them, and curves that drive both."""
