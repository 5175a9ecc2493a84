# Writes OUT: a C++ table of the SQL files in DIR, sorted by name. Declared in src/store/migrate.h.
file(GLOB files "${DIR}/*.sql")
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  # Raw string literals hold at most 64 KiB portably: each file stays well below.
  string(APPEND rows "    {\"${name}\", R\"surveysync_sql(${text})surveysync_sql\"},\n")
endforeach()
file(WRITE "${OUT}" "#include \"store/migrate.h\"\n\nnamespace surveysync::store {\n\nstd::span<const Migration> embedded_migrations() {\n  static constexpr Migration kMigrations[] = {\n${rows}  };\n  return kMigrations;\n}\n\n}  // namespace surveysync::store\n")
