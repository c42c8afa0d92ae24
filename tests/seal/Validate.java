// veraPDF as a library: prints one line per violated rule, "<flavour> PASS" or "<flavour> FAIL".
import java.io.FileInputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

public class Validate {
    public static void main(String[] files) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (String file : files) {
            for (String name : new String[] {"3a", "ua1"}) {
                PDFAFlavour flavour = PDFAFlavour.byFlavourId(name);
                VeraPDFFoundry foundry = Foundries.defaultInstance();
                try (FileInputStream stream = new FileInputStream(file);
                        PDFAParser parser = foundry.createParser(stream, flavour);
                        PDFAValidator validator = foundry.createValidator(flavour, false)) {
                    ValidationResult result = validator.validate(parser);
                    for (TestAssertion found : result.getTestAssertions()) {
                        if (found.getStatus() == TestAssertion.Status.FAILED) {
                            System.out.println(file + " " + name + " " + found.getRuleId().getClause()
                                    + "-" + found.getRuleId().getTestNumber() + " " + found.getMessage()
                                    + " " + found.getLocation().getContext());
                        }
                    }
                    System.out.println(file + " " + name + (result.isCompliant() ? " PASS" : " FAIL"));
                }
            }
        }
    }
}
