from hydrofoil.tools.cli import main

main()
