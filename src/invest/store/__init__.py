"""PostgreSQL through asyncpg: pool, migrations, one module per aggregate."""
