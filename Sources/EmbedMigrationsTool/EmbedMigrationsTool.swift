@main struct EmbedMigrationsTool { static func main() {} }
