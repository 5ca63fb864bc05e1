from noisette.cli import main

raise SystemExit(main())
