import CommandLineTool

await runVirtue()
