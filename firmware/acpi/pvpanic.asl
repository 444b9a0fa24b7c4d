// The port by which a guest says that its kernel crashed. Given to the guest only when the board has it.
DefinitionBlock ("pvpanic.aml", "SSDT", 1, "LOCKST", "LSPANIC", 1)
{
    External (\_SB.PCI0.ISA, DeviceObj)
    Scope (\_SB.PCI0.ISA)
    {
        Device (PEVT)
        {
            Name (_HID, "QEMU0001")
            Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0505, 0x0505, 1, 1) })
            OperationRegion (PEOR, SystemIO, 0x0505, 1)
            Field (PEOR, ByteAcc, NoLock, Preserve) { PEPT, 8 }
            Name (_STA, 0x0F)
            Method (RDPT, 0, NotSerialized) { Return (PEPT) }
            Method (WRPT, 1, NotSerialized) { PEPT = Arg0 }
        }
    }
}
