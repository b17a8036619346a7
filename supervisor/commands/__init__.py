"""What people press and type that is no prompt: buttons, menus, forms, slash commands."""
