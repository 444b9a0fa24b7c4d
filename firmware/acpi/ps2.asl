// Keyboard and mouse on an i8042. Given to the guest only when the board has one: a declared device that does not exist
// hangs some guests.
DefinitionBlock ("ps2.aml", "SSDT", 1, "LOCKST", "LSPS2", 1)
{
    External (\_SB.PCI0.ISA, DeviceObj)
    Scope (\_SB.PCI0.ISA)
    {
        Device (KBD)
        {
            Name (_HID, EisaId ("PNP0303"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x60, 0x60, 1, 1) IO (Decode16, 0x64, 0x64, 1, 1) IRQNoFlags () {1}
            })
        }
        Device (MOU)
        {
            Name (_HID, EisaId ("PNP0F13"))
            Name (_CRS, ResourceTemplate () { IRQNoFlags () {12} })
        }
    }
}
