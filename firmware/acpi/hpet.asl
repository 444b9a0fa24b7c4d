// The registers of the HPET, so that they belong to a device. Given to the guest only when the board has it. Its
// interrupts are not listed: they are in its registers, and Windows XP stops at an HPET with interrupts here.
DefinitionBlock ("hpet.aml", "SSDT", 1, "LOCKST", "LSHPET", 1)
{
    Scope (\_SB)
    {
        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, Zero)
            Name (_CRS, ResourceTemplate () { Memory32Fixed (ReadOnly, 0xFED00000, 0x00000400) })
        }
    }
}
