from hydrofoil.cli import main

main()
